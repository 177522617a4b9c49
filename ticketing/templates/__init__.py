"""What the desk writes by itself, one file per language; `ticketing.wording` reads and checks them."""
