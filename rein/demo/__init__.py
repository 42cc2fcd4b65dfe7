"""The guided tour: three people, two servers, a private chain, a whole job, with the commands a person types."""
