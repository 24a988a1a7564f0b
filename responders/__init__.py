"""Speaking: what is proposed, checked and said to people who complain."""
