"""A tmpfs for the broker's data in a mount namespace of its own: it is gone with the processes, however they end."""
import contextlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

SIZE_MIB = 192
BALLAST_MIB = 64  # what `give_space` gives back

INSIDE = 'GODWIT_FAULTS_INSIDE'
NAMESPACES = {'as root': ['unshare', '-m'], 'in a user namespace': ['unshare', '-Urm']}


class SmallDisk:
    """Mounted at `path`, with ballast; unmounted at the end of a with block."""

    def __init__(self, path):
        self.path = Path(path)
        self._ballast = self.path / 'ballast'

    def __enter__(self):
        self.path.mkdir(parents=True, exist_ok=True)
        subprocess.run([*_mount(SIZE_MIB), self.path], check=True)
        with open(self._ballast, 'wb') as ballast:
            os.posix_fallocate(ballast.fileno(), 0, BALLAST_MIB << 20)
        return self

    def __exit__(self, *_):
        subprocess.run(['umount', '--lazy', self.path], check=True)

    def give_space(self):
        self._ballast.unlink()


@contextlib.contextmanager
def read_only(folder):
    """Nothing can be written, made or removed in `folder` meanwhile, only read."""
    subprocess.run(['mount', '--bind', folder, folder], check=True)
    subprocess.run(['mount', '-o', 'remount,bind,ro', folder], check=True)
    try:
        yield
    finally:
        subprocess.run(['umount', '--lazy', folder], check=True)


def _mount(size_mib):
    return ['mount', '-t', 'tmpfs', '-o', f'size={size_mib}m', 'godwit-faults']


def enter_namespace():
    """Goes on as the same program in a namespace where it may mount. Returns there None, or else why there is none."""
    if os.environ.get(INSIDE):
        return None
    refusals = []
    with tempfile.TemporaryDirectory() as folder:
        for name, command in NAMESPACES.items():
            tried = subprocess.run([*command, *_mount(1), folder], capture_output=True, text=True)
            if tried.returncode == 0:
                break
            refusals.append(f'{name} ({" ".join(command)} mount -t tmpfs): {tried.stderr.strip()}')
        else:
            return f'no small file system can be mounted here; tried {"; ".join(refusals)}'
    os.execvpe(command[0], [*command, sys.executable, *sys.argv], {**os.environ, INSIDE: '1'})
