"""Mail fetched from mailboxes elsewhere (IMAP4rev1, RFC 3501 and 9051), kept by the same rules as mail that is delivered to us."""
