"""The panel by sections: each file one part of the form, with what it needs handed in."""
