"""Certificates for one run, made with the openssl command: a CA, a server, a client and a stranger."""
import os
import shutil
import subprocess
import tempfile
from pathlib import Path


def _openssl(*words, cwd):
    done = subprocess.run(['openssl', *words], cwd=cwd, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f'openssl {words[0]}: {done.stderr.strip()}')


class Certificates:
    """Paths of PEM files in `folder`. The stranger is signed by a CA that no broker trusts."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._authority('ca', 'Godwit test CA')
        self._authority('other-ca', 'Somebody else')
        self._signed('server', 'localhost', 'ca',
                     'subjectAltName=DNS:localhost,DNS:broker.test,IP:127.0.0.1,IP:::1')
        self._signed('client', 'device-1', 'ca', 'extendedKeyUsage=clientAuth')
        self._signed('stranger', 'stranger', 'other-ca', 'extendedKeyUsage=clientAuth')

    def _key(self, name):
        _openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', f'{name}.key',
                 cwd=self.folder)

    def _authority(self, name, subject):
        self._key(name)
        _openssl('req', '-x509', '-new', '-key', f'{name}.key', '-out', f'{name}.crt', '-days', '2',
                 '-subj', f'/CN={subject}', '-addext', 'basicConstraints=critical,CA:TRUE',
                 '-addext', 'keyUsage=critical,keyCertSign,cRLSign', cwd=self.folder)

    def _signed(self, name, subject, authority, extension):
        self._key(name)
        _openssl('req', '-new', '-key', f'{name}.key', '-out', f'{name}.csr', '-subj',
                 f'/CN={subject}', cwd=self.folder)
        (self.folder / f'{name}.ext').write_text(extension + '\n')
        _openssl('x509', '-req', '-in', f'{name}.csr', '-CA', f'{authority}.crt', '-CAkey',
                 f'{authority}.key', '-CAcreateserial', '-days', '2', '-extfile', f'{name}.ext',
                 '-out', f'{name}.crt', cwd=self.folder)

    def signed(self, name, subject, extension, authority='ca', folder=None):
        """A further certificate; a folder of one's own keeps tests apart. Returns the paths of certificate and key."""
        target = Path(folder or self.folder) / name
        self._signed(name, subject, authority, extension)
        for end in ('crt', 'key'):
            if folder:
                shutil.move(self.folder / f'{name}.{end}', f'{target}.{end}')
        return f'{target}.crt', f'{target}.key'

    def revocation_list(self, path, *certificates):
        """Writes the CA's list of revoked certificates, by their paths, in one step."""
        with tempfile.TemporaryDirectory() as work:
            (Path(work) / 'index').touch()
            (Path(work) / 'number').write_text('01\n')
            (Path(work) / 'ca.cnf').write_text(
                '[ca]\ndefault_ca = own\n[own]\ndatabase = index\ncrlnumber = number\ndefault_md = sha256\n'
                'default_crl_days = 2\n')
            signer = ['-config', 'ca.cnf', '-cert', self.path('ca.crt'), '-keyfile', self.path('ca.key')]
            for certificate in certificates:
                _openssl('ca', '-revoke', certificate, *signer, cwd=work)
            _openssl('ca', '-gencrl', '-out', 'crl.pem', *signer, cwd=work)
            shutil.move(Path(work) / 'crl.pem', f'{path}.new')
        os.replace(f'{path}.new', path)

    def path(self, file):
        return str(self.folder / file)

    @property
    def ca(self):
        return self.path('ca.crt')
