"""The tables, in words that SQLite and PostgreSQL both know."""

TABLES = (
    """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('running', 'done', 'cancelled')),
    options TEXT NOT NULL,
    created DOUBLE PRECISION NOT NULL,
    finished DOUBLE PRECISION
)""",
    """
CREATE TABLE IF NOT EXISTS items (
    job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    name TEXT NOT NULL,
    has_mask INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'ok', 'error')),
    code TEXT,
    message TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (job, number)
)""",
    "CREATE INDEX IF NOT EXISTS open_items ON items (job, number) WHERE state = 'waiting'",
    """
CREATE TABLE IF NOT EXISTS uploads (
    job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    part INTEGER NOT NULL,
    start BIGINT NOT NULL,
    image_bytes BIGINT NOT NULL,
    mask_bytes BIGINT,
    box TEXT,
    code TEXT,
    message TEXT,
    PRIMARY KEY (job, number)
)""",
    """
CREATE TABLE IF NOT EXISTS sizes (
    job TEXT PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    bytes BIGINT NOT NULL
)""",
    """
CREATE TABLE IF NOT EXISTS keys (
    key TEXT PRIMARY KEY,
    body TEXT NOT NULL,
    job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE
)""",
    "CREATE INDEX IF NOT EXISTS keys_by_job ON keys (job)",
    """
CREATE TABLE IF NOT EXISTS processes (
    id TEXT PRIMARY KEY,
    until DOUBLE PRECISION NOT NULL
)""",
    """
CREATE TABLE IF NOT EXISTS claims (
    job TEXT NOT NULL,
    number INTEGER NOT NULL,
    process TEXT NOT NULL REFERENCES processes (id) ON DELETE CASCADE,
    PRIMARY KEY (job, number)
)""",
    "CREATE INDEX IF NOT EXISTS claims_by_process ON claims (process)",
    """
CREATE TABLE IF NOT EXISTS leftovers (
    name TEXT PRIMARY KEY,
    process TEXT REFERENCES processes (id) ON DELETE SET NULL,
    bytes BIGINT NOT NULL
)""",
    """
CREATE TABLE IF NOT EXISTS paces (
    job TEXT PRIMARY KEY,
    since DOUBLE PRECISION NOT NULL,
    answered INTEGER NOT NULL
)""",
    "CREATE TABLE IF NOT EXISTS stores (id TEXT PRIMARY KEY)",
    """
CREATE TABLE IF NOT EXISTS members (
    job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    item INTEGER NOT NULL,
    number INTEGER NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (job, item, number)
)""",
)
"""`uploads` has what is not answered yet, `sizes` the bytes of a job's files, `keys` the POSTs that
may be repeated; those three came after 0.1.0. `processes` has who lives and until when without a
word, in seconds since 1970, `claims` who works on which item, `leftovers` files that belong to no
job: of a job that a process is making, or that nobody wants any more. `paces` says since when a job
is worked on, and how many of its items were answered before. `stores` names the files of a shared
store. `members` has the images of the items that are objects, by their numbers in `uploads`; of
other items the one image has the number of the item. `claims` and `paces` name no jobs to
the database: who takes items would wait for who deletes their job, which waits for the items."""
WITHOUT_ROWID = ("items", "uploads", "members")
"""Tables that SQLite keeps in the order of their key; the first two are from 0.1.0."""
