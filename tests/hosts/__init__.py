"""Necks in the detectors of other libraries, as their users would have them: ``make test-hosts`` runs this."""
