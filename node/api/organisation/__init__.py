"""`/organisation`: pages on which an organisation's people do by hand what its machines do by the
API. One module a page; each asks and acts through the API's own routes, so no rule is told twice.
"""
