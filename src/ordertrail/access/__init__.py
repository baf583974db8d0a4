"""Who may do what: people and services, their roles as verbs, their scope, and how they are known. Knows no web."""
