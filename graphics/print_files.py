"""A mesh as files for 3D printers: STL, which is the surface alone, and 3MF with its colours.

Both are in millimetres and stand on the plate: z is up, the front faces -y, z = 0 is the lowest
point and the middle is over the origin. 3MF is a ZIP with XML, by the 3MF Core Specification 1.3
and the Materials and Properties Extension 1.2.
"""

import io
import struct
import zipfile

import numpy as np
from numpy.typing import NDArray

from graphics.formats import NAME, Seams, png_bytes

LENGTH_MM = 100.0
"""Of the longest side, where nothing else is asked for: what a small printer can print."""
STL_TRIANGLE = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attributes", "<u2")])
"""50 bytes: the triangle of the binary STL format."""

CORE = "http://schemas.microsoft.com/3dmanufacturing/core/2015/02"
MATERIALS = "http://schemas.microsoft.com/3dmanufacturing/material/2015/02"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
KINDS = "http://schemas.microsoft.com/3dmanufacturing/2013/01"
"""Of relationships between the parts of a package."""
MODEL, PICTURE = "3D/3dmodel.model", f"3D/Textures/{NAME}.png"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
CONTENT_TYPES = (
    f'{HEAD}<Types xmlns="{PACKAGE}/content-types">'
    '<Default Extension="rels" '
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="model" '
    'ContentType="application/vnd.ms-package.3dmanufacturing-3dmodel+xml"/>'
    '<Default Extension="png" ContentType="image/png"/></Types>'
)
COLOURED = (
    f'<m:texture2d id="1" path="/{PICTURE}" contenttype="image/png" '
    'tilestyleu="wrap" tilestylev="clamp"/>'
)
WHITE = '<basematerials id="2"><base name="white" displaycolor="#FFFFFF"/></basematerials>'


def placed(
    vertices: NDArray[np.floating],  # [V, 3], y up, the front faces +z
    length_mm: float,  # of the longest side of its box
) -> NDArray[np.float64]:  # [V, 3]
    """The vertices in millimetres as they stand on a printer's plate; all alike, a point."""
    x, y, z = vertices.astype(np.float64).T
    standing = np.column_stack([x, -z, y])
    low, high = standing.min(0), standing.max(0)
    extent = float((high - low).max())
    foot = np.array([*(low + high)[:2] / 2, low[2]])
    return (standing - foot) * (length_mm / extent if extent > 0 else 1.0)


def to_stl(
    vertices: NDArray[np.floating],  # [V, 3]
    faces: NDArray[np.integer],  # [F, 3]
    length_mm: float = LENGTH_MM,
) -> bytes:
    """A binary STL file: the surface alone, in millimetres; no texture, no shared vertices."""
    corners = placed(vertices, length_mm)[faces]  # [F, 3, 3]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    triangles = np.zeros(len(faces), STL_TRIANGLE)
    triangles["normal"] = np.divide(normals, lengths, out=np.zeros_like(normals), where=lengths > 0)
    triangles["corners"] = corners
    head = f"{NAME}: millimetres, z up, front -y".encode().ljust(80)
    return head + struct.pack("<I", len(faces)) + triangles.tobytes()


def to_3mf(
    vertices: NDArray[np.floating],  # [V, 3]
    seams: Seams,
    texture: NDArray[np.uint8] | None,  # [Ht, Wt, 3]; None: white
    length_mm: float = LENGTH_MM,
) -> bytes:
    """A 3MF file: a closed surface in millimetres, and its colours as a PNG."""
    if texture is None:
        resources, whole = WHITE, ' pid="2" pindex="0"'
    else:
        resources, whole = COLOURED + _texture_coordinates(seams), ""
    mesh = _mesh(placed(vertices, length_mm), seams, texture is not None)
    model = (
        f'{HEAD}<model unit="millimeter" xml:lang="en-US" xmlns="{CORE}" xmlns:m="{MATERIALS}">'
        '<metadata name="Application">inverse-graphics</metadata>'
        f'<resources>{resources}<object id="3" type="model" name="{NAME}"{whole}>{mesh}</object>'
        '</resources><build><item objectid="3"/></build></model>'
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("[Content_Types].xml", CONTENT_TYPES)
        archive.writestr("_rels/.rels", _relationship(MODEL, f"{KINDS}/3dmodel"))
        archive.writestr(MODEL, model)
        if texture is not None:
            pictures = _relationship(PICTURE, f"{KINDS}/3dtexture")
            archive.writestr("3D/_rels/3dmodel.model.rels", pictures)
            archive.writestr(PICTURE, png_bytes(texture))
    return file.getvalue()


def _texture_coordinates(seams: Seams) -> str:
    # 3MF has v = 0 at the bottom, too.
    coordinates = "".join(f'<m:tex2coord u="{u:.6g}" v="{v:.6g}"/>' for u, v in seams.uvs.tolist())
    return f'<m:texture2dgroup id="2" texid="1">{coordinates}</m:texture2dgroup>'


def _mesh(positions: NDArray[np.float64], seams: Seams, coloured: bool) -> str:
    vertices = "".join(
        f'<vertex x="{x:.6g}" y="{y:.6g}" z="{z:.6g}"/>' for x, y, z in positions.tolist()
    )
    corners = np.column_stack([seams.surface, seams.faces]).tolist()
    triangles = "".join(
        f'<triangle v1="{a}" v2="{b}" v3="{c}"'
        + (f' pid="2" p1="{p}" p2="{q}" p3="{r}"/>' if coloured else "/>")
        for a, b, c, p, q, r in corners
    )
    return f"<mesh><vertices>{vertices}</vertices><triangles>{triangles}</triangles></mesh>"


def _relationship(target: str, kind: str) -> str:
    return (
        f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="rel0" Target="/{target}" Type="{kind}"/></Relationships>'
    )
