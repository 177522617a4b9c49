"""Forms that people fill in: the help centre's page (`website`) and forms embedded in other pages (`web_form`)."""
