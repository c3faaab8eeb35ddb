"""What one user has to do now over all clients: worklist, onboarding steps, and what keeps a payment from coming."""
