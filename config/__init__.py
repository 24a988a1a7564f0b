"""What an operator may change: environment and TOML become one frozen Settings."""
