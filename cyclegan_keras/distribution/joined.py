"""The workers of a training that are connected with each other, until it ends."""

import abc
import contextlib

from cyclegan_keras.distribution.cluster import Cluster
from cyclegan_keras.distribution.team import Team


class JoinedCluster(contextlib.AbstractContextManager):
    """Connected workers; as a context manager, it leaves them at the end.

    Attributes:
        cluster: the workers.
        devices: how many train, those of all workers together.
    """

    cluster: Cluster
    devices: int

    @abc.abstractmethod
    def team(self, batch_size: int) -> Team:
        """Returns the team of all workers.

        Args:
            batch_size: pictures of each domain in a step, of all devices together.
        """
