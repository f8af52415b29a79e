"""kubernetes-validate, which reads its schemas once and not once for each object. The arguments are its own."""

import functools
import sys

from kubernetes_validate import utils
from kubernetes_validate.__main__ import main

utils.schema_contents = functools.cache(utils.schema_contents)
utils.all_versions = functools.cache(utils.all_versions)
utils.major_minor = functools.cache(utils.major_minor)
sys.exit(main())
