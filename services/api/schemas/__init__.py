"""Bodies of requests and answers, by part of the interface. Requests refuse unknown fields."""
