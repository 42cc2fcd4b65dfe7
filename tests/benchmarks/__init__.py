"""Speed, as ratios to the limits of the same machine, measured in the same run. Not tests: nothing here fails."""
