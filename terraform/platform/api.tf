# The way in: who one is (Cognito), what one may ask (the API), and the two functions that answer.

module "identity" {
  source = "../../modules/identity"

  name         = "${var.prefix}users"
  is_temporary = local.is_temporary
  tokens       = { minutes = var.api.token_minutes }

  groups = {
    shippers    = { description = "Rigs: may ship recordings, and see their own.", precedence = 40 }
    researchers = { description = "May find and fetch recordings.", precedence = 30 }
    hosts       = { description = "Run challenges: may see their leaderboards' submissions.", precedence = 20 }
    operators   = { description = "Run the platform: may do what researchers may, and replay.", precedence = 10 }
  }
}

module "issue_token" {
  source = "../../modules/function"

  name    = "${var.prefix}issue-token"
  package = local.package
  logs    = var.logs
  alarms  = local.alarms

  function = {
    handler     = "lambdas.issue_token.handler.handler"
    description = "Gives a token for a device's name and secret."
    timeout     = 15
    environment = {
      PROVING_GROUND_ENVIRONMENT         = var.environment
      PROVING_GROUND_USER_POOL_CLIENT_ID = module.identity.client_id
    }
  }
}

module "serve_api" {
  source = "../../modules/function"

  name      = "${var.prefix}serve-api"
  package   = local.package
  logs      = var.logs
  alarms    = local.alarms
  role_tags = local.catalogue.role_tags

  policy_statements = merge(
    module.recordings.serving.policy_statements,
    module.preprocessing.serving.policy_statements,
    local.catalogue.policy_statements,
  )

  function = {
    handler     = "lambdas.serve_api.handler.handler"
    description = "Answers every route of the API but the one for tokens."
    memory_size = 1024
    # API Gateway waits no longer.
    timeout = 29
    environment = {
      for key, value in merge(module.recordings.serving.environment, module.preprocessing.serving.environment, {
        ENVIRONMENT          = var.environment
        CATALOGUE            = local.catalogue.settings
        URL_LIFETIME_SECONDS = tostring(var.api.url_lifetime_seconds)
      }) : "PROVING_GROUND_${key}" => value
    }
  }
}

module "api" {
  source = "../../modules/api"

  name              = "${var.prefix}api"
  user_pool_arn     = module.identity.user_pool.arn
  allowed_addresses = var.api.allowed_addresses
  limits            = var.api.limits
  logs              = { retention_days = var.logs.retention_days }
  alarms            = local.alarms

  functions = {
    serve = { name = module.serve_api.function.name, invoke_arn = module.serve_api.function.invoke_arn }
    token = { name = module.issue_token.function.name, invoke_arn = module.issue_token.function.invoke_arn }
  }

  # Without the account's consent a stage may write no log.
  depends_on = [aws_api_gateway_account.this]
}

# One for the whole account and region: the reason why each environment has an account to itself.
resource "aws_api_gateway_account" "this" {
  cloudwatch_role_arn = aws_iam_role.gateway_logs.arn

  depends_on = [aws_iam_role_policy_attachment.gateway_logs]
}

resource "aws_iam_role" "gateway_logs" {
  name        = "${var.prefix}gateway-logs"
  description = "Lets API Gateway write its logs."

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "apigateway.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy_attachment" "gateway_logs" {
  role       = aws_iam_role.gateway_logs.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
}
