"""The kernel: settings, database, ids, money, periods, errors, events, jobs, files. It knows no domain word."""
