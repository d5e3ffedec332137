"""Kinds of road vehicles and styles of their parts: what the numbers in a VEHICLE record mean."""

KINDS = (
    "saloon", "hatchback", "wagon", "suv", "off_roader", "coupe", "supercar", "roadster",
    "vintage", "pickup", "van", "box_van", "lorry", "bus",
)  # fmt: skip
(
    SALOON, HATCHBACK, WAGON, SUV, OFF_ROADER, COUPE, SUPERCAR, ROADSTER,
    VINTAGE, PICKUP, VAN, BOX_VAN, LORRY, BUS,
) = range(len(KINDS))  # fmt: skip

# Head lamps; a blade and an oval on the wing are swept back over it.
LAMPS = 5
ROUND_LAMPS, BOX_LAMPS, BLADE_LAMPS, SLIT_LAMPS, WING_LAMPS = range(LAMPS)

# Grilles: with slats, of mesh, two kidneys, none, an oval mouth, with bars.
GRILLES = 6
SLATS, MESH, KIDNEYS, NO_GRILLE, OVAL, BARS = range(GRILLES)

# Tail lamps; a bar goes across the rear, wrapped ones go round its corners.
TAILS = 6
ROUND_TAILS, TWIN_TAILS, BOX_TAILS, UPRIGHT_TAILS, BAR_TAILS, WRAPPED_TAILS = range(TAILS)

HUBS = 4
BROAD_SPOKES, DISC, THIN_SPOKES, CAP = range(HUBS)

RACK, LIGHT_BAR, SIGN, LADDER, NO_LOAD = range(5)  # what stands on the roof

NO_POST = -9.0  # z of a post between side windows that is not there
