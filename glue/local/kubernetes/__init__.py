"""A stand-in for a Kubernetes cluster: Jobs over real HTTP, whose containers really run.

They run as processes of this machine, one program for each image. There is no isolation between
them: users, capabilities, read-only file systems, networks and limits of memory are checked as
a cluster's admission would check them, and then not enforced. Whatever the API has answered
outlives this process; pods that ran when it ended are lost, as with their node.
"""
