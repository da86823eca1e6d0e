"""What the admin port says: any page, and /metrics as numbers."""
import re
import urllib.error
import urllib.request

from lib.tests import contains, equal

SAMPLE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*",?)*\})? '
                    r'([-+]?(?:\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|Inf|NaN))( \d+)?$')
KINDS = ('counter', 'gauge', 'histogram', 'summary', 'untyped')


def get(broker, path):
    try:
        with urllib.request.urlopen(broker.endpoints['admin'] + path, timeout=5) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


def metrics(broker):
    """{name{labels}: value}; every line must be Prometheus text, each family typed before its samples."""
    status, headers, body = get(broker, '/metrics')
    equal(status, 200, 'status')
    contains(headers['Content-Type'], 'text/plain', 'content type')
    samples, typed = {}, set()
    for line in body.splitlines():
        if line.startswith('# TYPE '):
            _, _, name, kind = line.split(' ')
            assert kind in KINDS, line
            assert name not in typed, f'typed twice: {name}'
            typed.add(name)
        elif line and not line.startswith('# '):
            found = SAMPLE.match(line)
            assert found, f'not a sample: {line}'
            family = re.sub(r'_(bucket|sum|count)$', '', found[1])
            assert found[1] in typed or family in typed, f'no TYPE before {line}'
            assert found[1] + (found[2] or '') not in samples, f'twice: {line}'
            samples[found[1] + (found[2] or '')] = float(found[3])
    return samples
