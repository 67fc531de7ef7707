"""How fast is it, beside something everybody knows? Ratios within one run; see docs/performance.md."""
