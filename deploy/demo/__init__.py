"""The sample mails of `up --demo`, and showing what became of them."""
