"""A landscape: its elevation model, and pictures of it (hillshade, written as PNG)."""

import os
import struct
import zlib

import numpy as np
from numpy.typing import NDArray

DEM = "/usr/share/matplotlib/mpl-data/sample_data/jacksboro_fault_dem.npz"


def read_map(path: str, refine: int) -> NDArray[np.float64]:
    """The elevation in metres, each cell cut into refine x refine by linear interpolation."""
    z: NDArray[np.float64] = np.load(path)["elevation"].astype("f8")
    for axis in (0, 1):
        n = z.shape[axis]
        at = np.linspace(0, n - 1, n * refine)
        low = np.minimum(at.astype(int), n - 2)
        weight = np.expand_dims(at - low, 1 - axis)
        z = z.take(low, axis) * (1 - weight) + z.take(low + 1, axis) * weight
    return z


def hillshade(
    z: NDArray[np.float64], cell: float, azimuth: float = 315.0, altitude: float = 45.0, exaggeration: float = 2.0
) -> NDArray[np.uint8]:
    """Grey values 0..255 of a landscape lit from `azimuth` (degrees clockwise from north).

    z: elevation, rows from north to south; cell: size of a cell, in the unit of z.
    """
    south, east = np.gradient(z * exaggeration, cell)
    light = np.radians([azimuth, altitude])
    sun = (np.sin(light[0]) * np.cos(light[1]), np.cos(light[0]) * np.cos(light[1]), np.sin(light[1]))
    # The normal of the surface is (-dz/deast, dz/dsouth, 1), for axes east, north, up.
    shade = (-east * sun[0] + south * sun[1] + sun[2]) / np.sqrt(1.0 + east**2 + south**2)
    grey: NDArray[np.uint8] = np.clip(shade * 255.0, 0, 255).astype(np.uint8)
    return grey


def side_by_side(*pictures: NDArray[np.uint8], gap: int = 8) -> NDArray[np.uint8]:
    """Grey pictures of one height in a row, white between them."""
    white = np.full((pictures[0].shape[0], gap), 255, np.uint8)
    row = [pictures[0]]
    for picture in pictures[1:]:
        row += [white, picture]
    return np.concatenate(row, axis=1)


def write_png(path: os.PathLike[str], grey: NDArray[np.uint8]) -> None:
    """Write an array of grey values as PNG (ISO/IEC 15948: 8 bits, no filter)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    height, width = grey.shape
    lines = np.zeros((height, width + 1), "u1")
    lines[:, 1:] = grey
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header))
        file.write(chunk(b"IDAT", zlib.compress(lines.tobytes(), 6)) + chunk(b"IEND", b""))
