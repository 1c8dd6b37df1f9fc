"""Files behind URLs: http(s)://, s3://, gs://, file:// and paths; fetched under limits, and stored.

What opens a URL checks where it leads: an address that is not public is refused, at every redirect,
unless `AssetLimits.local_hosts` or `MIXPEEK_LAB_ALLOW_LOCAL_URLS` allows it.
"""

from mixpeek_lab.assets.limits import AssetLimits
from mixpeek_lab.assets.problems import AssetError
from mixpeek_lab.assets.storing import store
from mixpeek_lab.assets.transfer import fetch

__all__ = ["AssetError", "AssetLimits", "fetch", "store"]
