"""How it was: customers are asked, and say so on a page of their own."""
