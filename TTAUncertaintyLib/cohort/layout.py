"""What the files of a study are called."""

STUDY_FILE, LOCK_FILE, PAGE_FILE = "study.json", "client.lock", "index.html"
TABLE_FILE, RESULTS_FILE = "pairs.tsv", "results.tsv"
PAIRS_FOLDER, FAILED_FOLDER, RATINGS_FOLDER = "pairs", "failed", "ratings"

#: In the folder of a pair: its bundle, what the tables say of it, and its picture.
BUNDLE, ROW_FILE, PICTURE_FILE = "result", "row.json", "worst.jpg"
