"""Mail that a provider takes for us and posts by webhook: always the mail as it came, signed, and read by the same reader."""
