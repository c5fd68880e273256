"""Shapes of requests and answers, a module a noun. JSON names are camelCase; unknown ones are
refused; bytes are 0x-hex; amounts are whole numbers of base units (1,000,000 = one euro of use)."""
