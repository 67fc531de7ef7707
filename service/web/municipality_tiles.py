"""Where does each municipality stand on the tile map? A column and a row, so that people recognise their region.

The codes are those of Statistics Netherlands, as in `domain/regions/metropoolregio-eindhoven.toml`. The places are our
own, set by hand after the map of the region: west is left, north is up, and neighbours mostly stay neighbours. A tile
map has no borders and no sizes, so a small municipality counts as much as a large one.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["COLUMNS", "ROWS", "TILES", "Tile"]


@dataclass(frozen=True, slots=True)
class Tile:
    """A municipality on the map. `short` fits in its tile on a phone."""

    name: str
    short: str
    column: int
    row: int


TILES: dict[str, Tile] = {
    "GM0823": Tile("Oirschot", "Oirs", 1, 0),
    "GM0753": Tile("Best", "Best", 2, 0),
    "GM0848": Tile("Son en Breugel", "Son", 3, 0),
    "GM1659": Tile("Laarbeek", "Laar", 5, 0),
    "GM1652": Tile("Gemert-Bakel", "Gem", 6, 0),
    "GM0861": Tile("Veldhoven", "Veld", 2, 1),
    "GM0772": Tile("Eindhoven", "Eindh", 3, 1),
    "GM0820": Tile("Nuenen c.a.", "Nuen", 4, 1),
    "GM0794": Tile("Helmond", "Helm", 5, 1),
    "GM0762": Tile("Deurne", "Deur", 6, 1),
    "GM1667": Tile("Reusel-De Mierden", "Reus", 0, 2),
    "GM1728": Tile("Bladel", "Blad", 1, 2),
    "GM0770": Tile("Eersel", "Eers", 2, 2),
    "GM0866": Tile("Waalre", "Waal", 3, 2),
    "GM1771": Tile("Geldrop-Mierlo", "Geld", 4, 2),
    "GM0847": Tile("Someren", "Som", 5, 2),
    "GM0743": Tile("Asten", "Asten", 6, 2),
    "GM1724": Tile("Bergeijk", "Berg", 2, 3),
    "GM0858": Tile("Valkenswaard", "Valk", 3, 3),
    "GM1658": Tile("Heeze-Leende", "Heez", 4, 3),
    "GM1706": Tile("Cranendonck", "Cran", 4, 4),
}

COLUMNS = 1 + max(tile.column for tile in TILES.values())
ROWS = 1 + max(tile.row for tile in TILES.values())
