"""Files behind URLs: http(s)://, s3://, gs://, file:// and paths; fetched under limits, and stored.

What opens a URL checks where it leads: an address that is not public is refused, at every redirect,
unless `AssetLimits.local_hosts` or `MIXPEEK_LAB_ALLOW_LOCAL_URLS` allows it.
"""

from mixpeek_lab.assets.calls import HTTPAnswer, HTTPRequest, call
from mixpeek_lab.assets.limits import AssetLimits
from mixpeek_lab.assets.peeks import ListedObject, Peek, list_objects, peek
from mixpeek_lab.assets.problems import AssetError, redacted
from mixpeek_lab.assets.storing import store
from mixpeek_lab.assets.transfer import fetch, is_data_url, local_path, scheme_of

__all__ = [
    "AssetError",
    "AssetLimits",
    "HTTPAnswer",
    "HTTPRequest",
    "ListedObject",
    "Peek",
    "call",
    "fetch",
    "is_data_url",
    "list_objects",
    "local_path",
    "peek",
    "redacted",
    "scheme_of",
    "store",
]
