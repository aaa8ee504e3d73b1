# The local cloud. Its own facts (endpoint, database) come from build/local/local.tfvars.json.
environment = "local"
account_id  = "000000000000"
prefix      = "local-"

logs = { level = "INFO", retention_days = 1 }

api = {
  # One machine plays all rigs and all researchers at once.
  limits = {
    rate            = 2000
    burst           = 4000
    token_rate      = 200
    token_burst     = 400
    key_rate        = 1000
    key_burst       = 2000
    key_daily_quota = 10000000
  }
}

recordings = {
  storage = {
    object_lock = { mode = "GOVERNANCE", days = 1 }
  }

  # Short timeouts make failures come back soon: the next attempt is six timeouts later.
  work = {
    ingest       = { timeout = 10 }
    preprocess   = { timeout = 30 }
    reconcile    = { timeout = 30 }
    max_receives = 3
  }
}
