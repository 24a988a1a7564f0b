"""Text to classification: language, normalisation, the transformer artifact, rules as baseline, train, evaluate."""
