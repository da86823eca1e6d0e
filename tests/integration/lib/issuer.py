"""Tokens made by a library that this project did not write: jose, under drivers/issuer.mjs."""
import base64
import hashlib
import hmac
import json
import time
from pathlib import Path

from lib.program import Program

DRIVER = Path(__file__).resolve().parent.parent / 'drivers' / 'issuer.mjs'
ALGORITHMS = ('RS256', 'ES256', 'EdDSA')


class Issuer:
    """Keys by name, and tokens signed with them. Not for two threads at once."""

    def __enter__(self):
        self._program = Program(['node', DRIVER])
        return self

    def __exit__(self, *_):
        self._program.close_stdin()
        self._program.stop()

    def _ask(self, **request):
        self._program.write_line(json.dumps(request))
        return json.loads(self._program.out.wait_for(lambda line: line.startswith('{'), 30, 'the issuer'))

    def key(self, name, alg='ES256', kid=None):
        """jwk and pem of the public key; of HS256 the secret."""
        return self._ask(key=name, alg=alg, kid=kid)

    def sign(self, name, user='ann', lasts=60, header=None, **claims):
        """A token for the user; `lasts` None: without exp. A claim that is None is left out."""
        all_claims = {'sub': user, 'exp': None if lasts is None else int(time.time()) + lasts, **claims}
        kept = {claim: value for claim, value in all_claims.items() if value is not None}
        return self._ask(sign=name, header=header or {}, claims=kept)['token']


def key_set(*jwks):
    return json.dumps({'keys': list(jwks)})


def base64url(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b'=').decode()


def forge(header, claims, secret=None):
    """What a correct library would not make: any header, sealed with HMAC-SHA256 or not at all."""
    front = f'{base64url(json.dumps(header).replace(" ", "").encode())}.{base64url(json.dumps(claims).encode())}'
    seal = hmac.new(secret, front.encode(), hashlib.sha256).digest() if secret else b''
    return f'{front}.{base64url(seal)}'
