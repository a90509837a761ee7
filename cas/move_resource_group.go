package cas

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"chancery"
)

// MoveResourceGroupInput is what MoveResourceGroup takes.
type MoveResourceGroupInput struct {
	// The order's InstanceId, or the certificate's id or InstanceId.
	ResourceId string `api:"required"`
	// instance for an order, Certificate for a certificate; in any letter case.
	ResourceType string `api:"required"`
	// Where to file it from now on.
	ResourceGroupId string `api:"required"`
	// Ignored: an installation is one region.
	RegionId string
}

// Resource names what the call is about, for the log.
func (in *MoveResourceGroupInput) Resource() string {
	return strings.ToLower(in.ResourceType) + "/" + in.ResourceId
}

// ResolveResource finds the order or certificate by whatever it is named.
func (in *MoveResourceGroupInput) ResolveResource(tx chancery.Tx, account chancery.AccountID) (string, error) {
	if strings.EqualFold(in.ResourceType, "instance") {
		id, err := tx.OrderOfInstance(account, in.ResourceId)
		return orderResource(int64(id)), err
	}
	c, err := certificateNamed(tx, account, in.ResourceId)
	return certificateResource(int64(c.ID)), err
}

// MoveResourceGroup files an order or a certificate in another resource group.
// An order and its certificate have the same InstanceId and are moved one by one.
//
// Errors: MissingParameter, InvalidParameter (400); NotFound (404).
func (s *Service) MoveResourceGroup(ctx context.Context, caller chancery.Caller, in *MoveResourceGroupInput) (*Done, error) {
	move := moveOrder
	switch strings.ToLower(in.ResourceType) {
	case "instance":
	case "certificate":
		move = moveCertificate
	default:
		return nil, chancery.Errorf(chancery.InvalidParameter, "ResourceType: instance or Certificate")
	}
	if err := chancery.CheckResourceGroup(in.ResourceGroupId); err != nil {
		return nil, err
	}
	err := s.Store.Write(ctx, func(tx chancery.Tx) error {
		err := move(tx, caller.AccountID, in.ResourceId, in.ResourceGroupId)
		if errors.Is(err, chancery.ErrNotFound) {
			return chancery.Errorf(chancery.NotFound, "NotFound: this account has no such resource")
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &Done{}, nil
}

func moveOrder(tx chancery.Tx, account chancery.AccountID, instance, group string) error {
	id, err := tx.OrderOfInstance(account, instance)
	if err != nil {
		return err
	}
	o, err := tx.Order(account, id)
	if err != nil {
		return err
	}
	o.ResourceGroup = group
	return tx.UpdateOrder(o)
}

func moveCertificate(tx chancery.Tx, account chancery.AccountID, resource, group string) error {
	c, err := certificateNamed(tx, account, resource)
	if err != nil {
		return err
	}
	c.ResourceGroup = group
	return tx.UpdateCertificate(c)
}

// certificateNamed finds a certificate by its id or resource id.
func certificateNamed(tx chancery.Tx, account chancery.AccountID, resource string) (chancery.Certificate, error) {
	if id, err := strconv.ParseInt(resource, 10, 64); err == nil {
		return tx.Certificate(account, chancery.CertificateID(id))
	}
	return tx.CertificateOfInstance(account, resource)
}
