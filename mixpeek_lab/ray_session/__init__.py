"""The lab's own local Ray: started in the background, stopped with the lab; no other is touched."""

from mixpeek_lab.ray_session.session import RaySession, State, show_waiting_with

__all__ = ["RaySession", "State", "show_waiting_with"]
