"""Result pages as a static site: leaderboard, method pages and gallery. Needs no server and no network."""
