# One entry of the map is one leaderboard: everything it has is made by this call and by nothing else.
module "leaderboard" {
  source   = "../../modules/leaderboard"
  for_each = var.leaderboards

  name         = each.key
  prefix       = var.prefix
  environment  = var.environment
  is_temporary = local.is_temporary
  package      = local.package
  logs         = var.logs
  storage      = each.value.storage
  work         = each.value.work
  alarms       = merge(each.value.alarms, local.alarms)

  cluster = {
    # This output alone: the rest of the module needs the leaderboards' roles.
    name                  = module.cluster[0].cluster.name
    endpoint              = module.cluster[0].cluster.endpoint
    certificate_authority = module.cluster[0].cluster.certificate_authority
    network               = local.leaderboard_network
  }

  evalai = {
    secret_arn        = aws_secretsmanager_secret.evalai["access"].arn
    tracks_secret_arn = aws_secretsmanager_secret.evalai["tracks"].arn
    budget_table      = one([for budget in module.evalai_budget : { name = budget.table.name, arn = budget.table.arn }])
    queues            = local.leaderboard_queues
  }

  submission = {
    evaluation    = each.value.evaluation
    workers       = each.value.workers
    containers    = each.value.containers
    node_labels   = each.value.node_labels
    on_disruption = each.value.on_disruption
    deadlines     = each.value.deadlines
    pace          = each.value.pace

    images = {
      for image in ["leaderboard", "logcopy", "simulator"] :
      image => coalesce(each.value.images[image], try("${module.registry.repositories[image].url}:stable", null))
    }
  }
}

locals {
  # Each leaderboard knows the queues of all, so they are named before any is made.
  leaderboard_queues = {
    for name in keys(var.leaderboards) : name => {
      arn = format(local.account_arn, "sqs", var.region, "${var.prefix}${name}")
      url = "${local.queue_host}/${var.account_id}/${var.prefix}${name}"
    }
  }

  queue_host = var.local == null ? "https://sqs.${var.region}.${data.aws_partition.current.dns_suffix}" : var.local.endpoint

  # A leaderboard needs the cluster, and the cluster's Fluent Bit a right to these.
  leaderboard_log_groups = toset([
    for name in keys(var.leaderboards) : format(local.account_arn, "logs", var.region, "log-group:${var.prefix}${name}")
  ])

  # The cluster's API may be private: what speaks to it stands beside the nodes.
  leaderboard_network = length(var.leaderboards) == 0 ? null : {
    subnet_ids         = local.private_subnets.subnet_ids
    security_group_ids = toset(aws_security_group.leaderboards[*].id)
  }

  # Functions that make and watch Jobs, in the one namespace of strangers' code.
  leaderboard_access = merge([
    for name, leaderboard in module.leaderboard : {
      for function in ["reconcile_submissions", "run_submission"] :
      "${name}-${replace(function, "_", "-")}" => {
        principal_arn = leaderboard.functions[function].role_arn
        policy        = "edit"
        namespaces    = toset(["jobs"])
      }
    }
  ]...)

  leaderboard_functions = merge([
    for name, leaderboard in module.leaderboard : {
      for function, made in leaderboard.functions : "${name}/${function}" => { name = made.name, settings = function }
    }
  ]...)
}

resource "aws_security_group" "leaderboards" {
  #checkov:skip=CKV2_AWS_5:It is the functions', in modules/leaderboard
  count = length(var.leaderboards) == 0 ? 0 : 1

  name        = "${var.prefix}leaderboards"
  description = "Functions of leaderboards: HTTPS to the cluster, EvalAI and AWS, nobody comes in."
  vpc_id      = local.private_subnets.vpc_id
}

resource "aws_vpc_security_group_egress_rule" "leaderboards_https" {
  count = length(aws_security_group.leaderboards)

  security_group_id = aws_security_group.leaderboards[0].id
  description       = "HTTPS, to EvalAI wherever it is."
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = "0.0.0.0/0"
}

resource "aws_vpc_security_group_ingress_rule" "cluster_from_leaderboards" {
  count = length(aws_security_group.leaderboards)

  security_group_id            = module.cluster[0].cluster.security_group_id
  description                  = "Functions of leaderboards speak to the API."
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
  referenced_security_group_id = aws_security_group.leaderboards[0].id
}
