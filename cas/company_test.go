package cas_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"chancery"
	"chancery/cas"
	"chancery/internal/testenv"
)

func newCompany() cas.CreateCompanyInput {
	return cas.CreateCompanyInput{
		CompanyName: "Example Ltd", CompanyType: 1, CompanyCode: "91330100", CompanyPhone: "0571-8888 ext. 1", CompanyEmail: "it@example.com",
		CompanyAddress: "Road 1", PostCode: "310000", CountryCode: "cn", Province: "Zhejiang", City: "Hangzhou", Department: "IT", Lang: "zh",
	}
}

func addCompany(env *testenv.Env, in cas.CreateCompanyInput) int64 {
	var out cas.CompanyIDOutput
	env.Call("CreateCompany", in).Decode(&out)
	return out.CompanyId
}

func TestCompanies(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	id := addCompany(env, newCompany())
	want := cas.CompanyDetail{
		CompanyId: id, CompanyName: "Example Ltd", CompanyType: 1, CompanyCode: "91330100", CompanyPhone: "0571-8888 ext. 1",
		CompanyEmail: "it@example.com", CompanyAddress: "Road 1", PostCode: "310000", CountryCode: "CN", Province: "Zhejiang", City: "Hangzhou",
		Department: "IT", Lang: "zh",
	}
	var got cas.CompanyDetail
	env.Call("GetCompany", cas.CompanyInput{CompanyId: id}).Decode(&got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	// What is optional and not given stays.
	update := cas.UpdateCompanyInput{
		CompanyId: id, CompanyName: "Renamed", CompanyType: 2, CompanyCode: "2", CompanyPhone: "3",
		CompanyAddress: "4", PostCode: "5", CountryCode: "DE", Province: "6", City: "7",
	}
	env.Call("UpdateCompany", update).Decode(&cas.CompanyIDOutput{})
	want = cas.CompanyDetail{
		CompanyId: id, CompanyName: "Renamed", CompanyType: 2, CompanyCode: "2", CompanyPhone: "3", CompanyEmail: "it@example.com",
		CompanyAddress: "4", PostCode: "5", CountryCode: "DE", Province: "6", City: "7", Department: "IT", Lang: "zh",
	}
	var list cas.ListCompaniesOutput
	env.Call("ListCompanies", cas.ListCompaniesInput{}).Decode(&list)
	envelope := cas.ListCompaniesOutput{CompanyList: []cas.CompanyDetail{want}, CurrentPage: 1, ShowSize: 10, TotalCount: 1}
	if diff := cmp.Diff(envelope, list); diff != "" {
		t.Error(diff)
	}
	update.CompanyEmail, update.Department, update.Lang = "a@example.com", "HR", "en"
	env.Call("UpdateCompany", update).Decode(&cas.CompanyIDOutput{})
	got = cas.CompanyDetail{}
	env.Call("GetCompany", cas.CompanyInput{CompanyId: id}).Decode(&got)
	if got.CompanyEmail != "a@example.com" || got.Department != "HR" || got.Lang != "en" {
		t.Errorf("%+v", got)
	}

	env.Call("DeleteCompany", cas.CompanyInput{CompanyId: id}).Decode(&cas.Done{})
	refuses(t, env, "DeleteCompany", map[string]string{"CompanyId": strconv.FormatInt(id, 10)}, chancery.NotFound)
}

func TestListCompanies(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	first, second := newCompany(), newCompany()
	first.CompanyName, second.CompanyName, second.CompanyCode = "A_B", "AxB", "100%"
	id := addCompany(env, first)
	addCompany(env, second)
	for _, tt := range []struct {
		in   cas.ListCompaniesInput
		want []string
	}{
		{cas.ListCompaniesInput{}, []string{"A_B", "AxB"}},
		{cas.ListCompaniesInput{CompanyId: id}, []string{"A_B"}},
		{cas.ListCompaniesInput{CompanyId: 4711}, nil},
		{cas.ListCompaniesInput{Keyword: "a_b"}, []string{"A_B"}},
		{cas.ListCompaniesInput{Keyword: "%"}, []string{"AxB"}},
		{cas.ListCompaniesInput{Keyword: "%", CompanyId: id}, nil},
	} {
		var out cas.ListCompaniesOutput
		env.Call("ListCompanies", tt.in).Decode(&out)
		var names []string
		for _, row := range out.CompanyList {
			names = append(names, row.CompanyName)
		}
		slices.Sort(names)
		if !slices.Equal(names, tt.want) || out.TotalCount != int64(len(tt.want)) {
			t.Errorf("%+v: %v of %d; want %v", tt.in, names, out.TotalCount, tt.want)
		}
	}
}

func TestCompanyRefuses(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	id := strconv.FormatInt(addCompany(env, newCompany()), 10)
	good := chancery.EncodeParameters(newCompany())
	for name := range good {
		switch name {
		case "CompanyEmail", "Department":
		case "Lang":
			refuses(t, env, "CreateCompany", with(good, name, ""), chancery.MissingParameter)
		default:
			refuses(t, env, "CreateCompany", with(good, name, ""), chancery.MissingParameter)
			refuses(t, env, "UpdateCompany", with(with(good, "CompanyId", id), name, ""), chancery.MissingParameter)
		}
	}
	refuses(t, env, "UpdateCompany", good, chancery.MissingParameter)
	for name, value := range map[string]string{
		"CompanyName": strings.Repeat("n", 257), "CompanyType": "-1", "CompanyCode": strings.Repeat("c", 65), "CompanyPhone": "a\x00",
		"CompanyEmail": "nobody", "CompanyAddress": strings.Repeat("a", 257), "PostCode": strings.Repeat("p", 65), "CountryCode": "CHN",
		"Province": strings.Repeat("p", 129), "City": strings.Repeat("c", 129), "Department": "a\rb", "Lang": strings.Repeat("l", 65),
	} {
		refuses(t, env, "CreateCompany", with(good, name, value), chancery.InvalidParameter)
		refuses(t, env, "UpdateCompany", with(with(good, "CompanyId", id), name, value), chancery.InvalidParameter)
	}
	refuses(t, env, "CreateCompany", with(good, "CompanyType", "2147483648"), chancery.InvalidParameter)
	refuses(t, env, "GetCompany", nil, chancery.MissingParameter)
	refuses(t, env, "ListCompanies", map[string]string{"Keyword": "a\nb"}, chancery.InvalidParameter)
}

func TestCompaniesOfOthers(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	id := addCompany(env, newCompany())
	seemsAbsent(t, env, id, map[string]func(id int64) any{
		"GetCompany":    func(id int64) any { return cas.CompanyInput{CompanyId: id} },
		"DeleteCompany": func(id int64) any { return cas.CompanyInput{CompanyId: id} },
		"UpdateCompany": func(id int64) any {
			return cas.UpdateCompanyInput{
				CompanyId: id, CompanyName: "Eve", CompanyType: 2, CompanyCode: "2", CompanyPhone: "3",
				CompanyAddress: "4", PostCode: "5", CountryCode: "DE", Province: "6", City: "7",
			}
		},
	})
}
