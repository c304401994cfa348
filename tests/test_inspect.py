"""The commands that look into files: inspect, diff, xdmf. ranks: 1"""

import json
import pathlib
import subprocess
import xml.etree.ElementTree as xml

import numpy as np
import collio as h5py
from tap import check, done, equal

PROGRAM = pathlib.Path(h5py.__file__).parents[3] / "cli" / "collio"


def run(*arguments):
    result = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True)
    return result.returncode, result.stdout, result.stderr


def make(name, change=None):
    with h5py.File(name, "w") as f:
        f["u"] = np.arange(12.0).reshape(3, 4)
        f["u"].attrs["units"] = "m"
        f["u"].attrs["range"] = [0.0, 11.0]
        f.create_dataset("g/chunks", (100,), "i4", chunks=(10,), maxshape=(None,), compression="gzip", shuffle=True)
        f["g/chunks"][...] = np.arange(100)
        f["n"] = np.array([1, 2, 2**62])
        f["nan"] = np.array([np.nan, 1.0])
        f["z"] = np.array([1 + 2j, 3])
        f["volume"] = np.zeros((2, 3, 4), "f4")
        f["same"] = f["u"]
        f["soft"] = h5py.SoftLink("/u")
        f["away"] = h5py.ExternalLink("x.h5", "/y")
        f.attrs["empty"] = h5py.Empty("f4")
        f.attrs["names"] = ["a", "b"]
        if change:
            change(f)


def test_inspect():
    make("a.h5")
    status, text, _ = run("inspect", "a.h5")
    equal(status, 0, "inspect")
    for words in ("/g/chunks", "i4 (100,) of (None,), chunked (10,), shuffle, gzip 4", "f8 (3, 4), contiguous at",
                  "-> /u", "-> /y in file x.h5", "= /same", '@units = "m"', "@range = [0, 11]  f8 (2,)", "f4 null",
                  '["a", "b"]', "c16 (2,)"):
        check(words in text, f"inspect shows {words}", text)
    status, text, _ = run("inspect", "--json", "a.h5", "/g")
    content = json.loads(text)
    equal([o["name"] for o in content["objects"]], ["/g", "/g/chunks"], "--json from a name on")
    equal(content["objects"][1]["filters"], "shuffle, gzip 4", "with filters")
    check("@" not in run("inspect", "--no-attributes", "a.h5")[1], "--no-attributes")
    for arguments, name in ((("inspect", "nothing.h5"), "no file"), (("inspect", __file__), "no HDF5 file"),
                            (("inspect", "a.h5", "/never"), "no such name")):
        status, text, error = run(*arguments)
        check(status == 2 and text == "" and error.startswith("collio inspect: "), name, error)
    for command in ("inspect", "diff", "xdmf"):
        equal((run(command)[0], run(command, "--help")[0]), (64, 0), f"{command} without arguments, and --help")
        equal(run(command, "--nonsense", "a.h5", "a.h5")[0], 64, "an unknown option")


def test_diff():
    make("b.h5")
    equal(run("diff", "a.h5", "b.h5")[:2], (0, ""), "diff of equal files")

    def change(f):
        f["u"][1, 1] = 5.25
        f["n"][2] = 2**62 + 1
        f["g/chunks"][7] = -1
        f["u"].attrs["units"] = "km"
        f["u"].attrs["more"] = 1
        del f["soft"], f["volume"]
        f["soft"] = h5py.SoftLink("/n")
        f["volume"] = np.zeros((2, 3, 5), "f4")
        f.create_group("only")
        del f["nan"]
        f["nan"] = np.array([np.nan, 1.0], "f4")

    make("c.h5", change)
    status, text, _ = run("diff", "a.h5", "c.h5")
    equal(status, 1, "diff of others")
    for words in ("/same: 1 elements differ, the first at index 5 (row-major), by up to 0.25", "/same@units: 1 elements",
                  "/same@more: only in the second file", "/n: 1 elements differ, the first at index 2",
                  "/g/chunks: 1 elements differ, the first at index 7", "/soft: soft link to /u and soft link to /n",
                  "/volume: shapes (2, 3, 4) and (2, 3, 5)", "/only: only in c.h5", "/nan: types f8 and f4"):
        check(words in text, f"diff says {words}", text)
    equal(len(text.splitlines()), 9, "and no more")
    equal(run("diff", "--quiet", "a.h5", "c.h5")[:2], (1, ""), "--quiet")
    make("d.h5", lambda f: f["u"].__setitem__((0, 1), 1.0 + 1e-9))
    equal(run("diff", "a.h5", "d.h5")[0], 1, "a small difference")
    equal(run("diff", "--rtol", "1e-6", "a.h5", "d.h5")[0], 0, "--rtol")
    equal(run("diff", "--atol", "1e-6", "a.h5", "d.h5")[0], 0, "--atol")
    equal(run("diff", "a.h5", "nothing.h5")[0], 2, "no file")


def test_xdmf():
    status, text, error = run("xdmf", "--spacing", "1,2,3", "a.h5")
    equal(status, 0, "xdmf")
    root = xml.fromstring(text)
    found = {a.get("Name"): a.find("DataItem") for a in root.iter("Attribute")}
    equal(sorted(found), ["g/chunks", "n", "nan", "same", "volume"], "xdmf names the arrays")
    volume = found["volume"]
    equal((volume.get("Dimensions"), volume.get("NumberType"), volume.get("Precision"), volume.text),
          ("2 3 4", "Float", "4", "a.h5:/volume"), "with shape, type and place")
    equal(found["same"].get("Dimensions"), "1 3 4", "two dimensions are three")
    spacing = [i.text for i in root.iter("DataItem") if i.get("Name") == "Spacing"]
    equal(set(spacing), {"3 2 1"}, "spacing, z first")
    check("/z" in error, "and says what it leaves out", error)
    equal((run("xdmf", "-o", "a.xmf", "a.h5")[:2], pathlib.Path("a.xmf").exists()), ((0, ""), True), "-o")


test_inspect()
test_diff()
test_xdmf()
done()
