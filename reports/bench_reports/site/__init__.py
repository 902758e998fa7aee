"""Results as a static site: a leaderboard, a page for each method, a gallery. It needs no server and no network."""
