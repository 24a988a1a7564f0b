"""The edge that people drive: pages and REST."""
