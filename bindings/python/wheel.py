"""What pip asks for: the extension and the command of collio, built by autotools for one wheel."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

EXTENSION = "bindings/python/_collio.la"
COMMAND = "bindings/cli/collio"
# In a wheel the command has no shared library beside it.
WHOLE = "bindings_cli_collio_LDADD=libio.la libcore.la $(HDF5_LIBS)"


class AutotoolsHook(BuildHookInterface):
    """Configures and makes in build/wheel; COLLIO_CONFIGURE has arguments for configure."""

    def initialize(self, version, build_data):
        # pip asks twice, for the metadata and for the wheel: the second time finds all made.
        self._build = Path(self.root, "build", "wheel")
        self._build.mkdir(parents=True, exist_ok=True)
        try:
            self._make_all(Path(self.root))
        except BaseException:
            shutil.rmtree(self._build, ignore_errors=True)
            raise
        extension = self._build / "bindings/python/.libs/_collio.so"
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        build_data["force_include"][str(extension)] = "collio/_collio.so"
        build_data["shared_scripts"] = {str(self._build / COMMAND): "collio"}

    def finalize(self, version, build_data, artifact_path):
        shutil.rmtree(self._build)

    def _make_all(self, root):
        if not (root / "configure").exists():
            run(root, "autoreconf", "-fi")
        run(self._build, root / "configure", "-q", "--disable-dependency-tracking",
            f"PYTHON={sys.executable}", *shlex.split(os.environ.get("COLLIO_CONFIGURE", "")))
        make = "make", "-s", f"-j{os.cpu_count()}"
        run(self._build, *make, EXTENSION)
        run(self._build, *make, COMMAND, WHOLE)


def run(directory, *command):
    """Run a step of the build there, or end with what it said."""
    done = subprocess.run(command, cwd=directory, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        sys.exit(f"collio: {' '.join(map(str, command))} failed:\n{done.stdout[-4000:]}")
