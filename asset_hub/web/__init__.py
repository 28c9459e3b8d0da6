"""The page shell: base templates, components, built assets, translations; it knows no domain word."""
