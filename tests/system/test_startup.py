"""Commands work in a notebook, a cluster's job, a container without users, and on a narrow console of any encoding."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench_core.system import devices

NOTEBOOK = {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}
SLURM_JOB = {
    "SLURM_JOB_ID": "77", "SLURM_JOB_NAME": "train", "SLURM_NTASKS": "4", "SLURM_PROCID": "0", "SLURM_LOCALID": "0",
    "SLURM_NODEID": "0", "SLURM_NODELIST": "node1", "SLURM_JOB_NODELIST": "node1",
}  # fmt: skip
LSF_JOB = {
    "LSB_JOBID": "5", "LSB_DJOB_RANKFILE": "/nowhere/ranks", "LSB_HOSTS": "a b", "LSB_MCPU_HOSTS": "a 1 b 1",
    "JSM_NAMESPACE_LOCAL_RANK": "0", "JSM_NAMESPACE_RANK": "0", "JSM_NAMESPACE_SIZE": "2",
}  # fmt: skip
NO_USER = "import pwd\ndef nobody(uid): raise KeyError('uid not found')\npwd.getpwuid = nobody\n"


def test_a_command_works_in_surroundings_that_libraries_refuse(tmp_path: Path, photographs: Path):
    """All at once: each of them alone used to end a command with a traceback or a wrong hint."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "srun").write_text("#!/bin/sh\n")
    (tmp_path / "bin" / "srun").chmod(0o755)
    (tmp_path / "sitecustomize.py").write_text(NO_USER)
    hole = np.zeros((40, 48), np.uint8)
    hole[10:20, 10:20] = 255
    Image.fromarray(hole).save(tmp_path / "hole.png")
    surroundings = {**os.environ, **NOTEBOOK, **SLURM_JOB, **LSF_JOB, "PYTHONIOENCODING": "ascii", "COLUMNS": "20"}
    surroundings |= {"PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}", "TMPDIR": str(tmp_path)}
    surroundings["PYTHONPATH"] = os.pathsep.join([str(tmp_path), *sys.path])
    for name in ("HOME", "BENCH_CACHE", "TORCH_HOME", "XDG_CACHE_HOME"):
        surroundings.pop(name, None)
    words = ["--truth", str(photographs / "test"), "--holes", str(tmp_path / "holes"), "--metrics", "l1", "--name", "M"]
    (tmp_path / "holes").mkdir()
    for path in (photographs / "test").iterdir():
        Image.fromarray(hole).save(tmp_path / "holes" / path.name)
    command = [sys.executable, "-m", "bench_core", "score", "--pred", str(photographs / "test"), *words]
    done = subprocess.run(command, capture_output=True, env=surroundings, cwd=tmp_path)
    output = (done.stdout + done.stderr).decode("ascii")
    assert done.returncode == 0, output
    assert "0.0000" in output and "srun" not in output and "Traceback" not in output
    program = (
        "from bench_core.system.startup import prepare_process as p; p(); from pathlib import Path; print(Path.home())"
    )
    home = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, env=surroundings).stdout
    assert Path(home.decode().strip()).parent == tmp_path, "a user without home gets a temporary one"


@pytest.mark.parametrize(
    ("variables", "launched"),
    [
        ({}, False),
        (SLURM_JOB, False),
        ({**SLURM_JOB, "SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "1"}, False),
        ({**SLURM_JOB, "SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "4"}, True),
        ({"TORCHELASTIC_RUN_ID": "1", "RANK": "0"}, True),
        (LSF_JOB, True),
        ({"OMPI_COMM_WORLD_RANK": "0"}, True),
    ],
)
def test_only_a_launcher_of_several_processes_is_followed(
    variables: dict[str, str], launched: bool, monkeypatch: pytest.MonkeyPatch
):
    for name in [
        name for name in os.environ if name.startswith(("SLURM", "LSB", "JSM", "TORCHELASTIC", "OMPI", "PMI"))
    ]:
        monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert devices._launched_by_cluster() is launched
    assert devices.open_fabric("cpu").world_size == 1
