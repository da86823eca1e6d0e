"""The process itself: start, stop, refusals, TLS, files, what it tells about itself, and its command line."""
from lib.tests import run_all
from suites import (process_access, process_audit, process_callout, process_cli, process_crowd, process_data, process_host, process_keys,
                    process_life, process_limits, process_policy, process_proxy, process_pub, process_rates, process_realms, process_scram,
                    process_shards,
                    process_sub, process_tls, process_tls_files, process_tokens, process_users, process_watch)


def run(context):
    for prefix, module in (('life', process_life), ('access', process_access), ('policy', process_policy),
                           ('tls', process_tls), ('tls-files', process_tls_files), ('tokens', process_tokens), ('scram', process_scram),
                           ('users', process_users), ('audit', process_audit), ('keys', process_keys), ('callout', process_callout),
                           ('realms', process_realms), ('limits', process_limits), ('rates', process_rates), ('crowd', process_crowd),
                           ('host', process_host),
                           ('proxy', process_proxy), ('watch', process_watch), ('cli', process_cli), ('data', process_data),
                           ('pub', process_pub), ('sub', process_sub), ('shards', process_shards)):
        run_all(module, prefix, context)
