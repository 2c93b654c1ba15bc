CREATE TABLE IF NOT EXISTS books (
	id     INTEGER PRIMARY KEY,
	title  TEXT    NOT NULL,
	author TEXT    NOT NULL,
	year   INTEGER NOT NULL,
	stock  INTEGER NOT NULL CHECK (stock >= 0)
) STRICT;

CREATE TABLE IF NOT EXISTS orders (
	id       INTEGER PRIMARY KEY,
	book     INTEGER NOT NULL REFERENCES books,
	quantity INTEGER NOT NULL,
	cents    INTEGER NOT NULL
) STRICT;

-- What was done for requests with an Idempotency-Key. A service that lasts would delete
-- a row when no client sends the request again, after a day for example.
CREATE TABLE IF NOT EXISTS keys (
	key     TEXT PRIMARY KEY,
	request TEXT NOT NULL,
	answer  TEXT NOT NULL
) STRICT;

INSERT OR IGNORE INTO books (id, title, author, year, stock) VALUES
	(1, 'Emma',         'Jane Austen',     1815, 20),
	(2, 'Frankenstein', 'Mary Shelley',    1818, 20),
	(3, 'Moby-Dick',    'Herman Melville', 1851, 20),
	(4, 'Bleak House',  'Charles Dickens', 1853, 20),
	(5, 'Middlemarch',  'George Eliot',    1871, 20),
	(6, 'Dracula',      'Bram Stoker',     1897, 20),
	(7, 'Kim',          'Rudyard Kipling', 1901, 20),
	(8, 'Ulysses',      'James Joyce',     1922, 1);
