"""The command line: godwit check, passwd, version, pub and sub."""
from lib.program import run
from lib.tests import contains, equal, needs


def godwit(context, *words, **more):
    return run([context.broker, *words], **more)


def test_version(context, folder):
    """godwit version prints the name and a number"""
    done = godwit(context, 'version')
    equal(done.returncode, 0, 'status')
    assert done.stdout.startswith('godwit ') and any(c.isdigit() for c in done.stdout), done.stdout


def test_help(context, folder):
    """--help of every subcommand teaches on standard output"""
    for words in ((), ('serve',), ('check',), ('passwd',), ('user',), ('user', 'add'), ('user', 'list'), ('verify',), ('dump',), ('version',)):
        done = godwit(context, *words, '--help')
        equal(done.returncode, 0, f'status of {words} --help')
        assert len(done.stdout.splitlines()) > 3, f'{words}: {done.stdout}'


def check(context, folder, config):
    file = folder / 'godwit.toml'
    file.write_text(config)
    return godwit(context, 'check', '--config', file)


def test_check_good(context, folder):
    """godwit check accepts a good configuration and changes nothing"""
    done = check(context, folder, '[[listener]]\nurl = "mqtt://127.0.0.1:0"\n[limits]\ninflight_max = 10\n')
    equal(done.returncode, 0, done.stdout + done.stderr)


def test_check_names_line_and_key(context, folder):
    """godwit check names line and nearest key of each fault"""
    done = check(context, folder, '[limits]\n\ninflight_mx = 10\n[server]\nlog_level = "loud"\n')
    assert done.returncode != 0, 'status 0'
    said = done.stdout + done.stderr
    for part in ('godwit.toml:3', 'inflight_max', 'godwit.toml:5', 'warning'):
        contains(said, part, 'message')


def test_check_open_listener(context, folder):
    """godwit check refuses a listener beyond loopback without authentication, unless it is said in plain words"""
    config = '[[listener]]\nurl = "mqtt://0.0.0.0:1883"\n'
    refused = check(context, folder, config)
    assert refused.returncode != 0, 'status 0'
    contains(refused.stdout + refused.stderr, 'allow_anonymous', 'message')
    equal(check(context, folder, config + 'allow_anonymous = true\n').returncode, 0, 'status in plain words')


def test_check_missing_file(context, folder):
    """godwit check of a file that is not there says so"""
    done = godwit(context, 'check', '--config', folder / 'nowhere.toml')
    assert done.returncode != 0, 'status 0'
    contains(done.stdout + done.stderr, 'nowhere.toml', 'message')


@needs('pub')
def test_pub_help(context, folder):
    """godwit pub --help and godwit sub --help name the options of mosquitto_pub and mosquitto_sub"""
    common = ['-h', '-p', '-i', '-u', '-P', '-t', '-q', '-V', '-D', '--unix', '--cafile', '--cert', '--key',
              '--will-topic', '--will-payload', '--will-qos', '--will-retain']
    for command, own in (('pub', ['-m', '-r', '-l', '-n', '-f']), ('sub', ['-C', '-W', '-v'])):
        said = godwit(context, command, '--help').stdout
        missing = [option for option in common + own if f'{option} ' not in said and f'{option},' not in said]
        equal(missing, [], f'not in godwit {command} --help')
