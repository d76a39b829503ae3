"""Bad, odd and hostile inputs, and what has to come of each: a result, or one sentence."""
