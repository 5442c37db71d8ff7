"""Attribution to Judgement: what the evidence supports."""
