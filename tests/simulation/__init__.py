"""Campaign procedures against every server that the vendor's documents allow, in one thread on one clock."""
