"""Where speed is: line kinds, visits, periods, deduplication. It decides no rule and knows no edit."""
