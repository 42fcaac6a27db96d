"""What an editor is told of a graph file while somebody types it: problems, completions, meanings, places, renames."""
